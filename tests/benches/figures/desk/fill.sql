UPDATE tickets SET organization_id = p.organization_id FROM projects p
    WHERE p.id = project_id AND tickets.organization_id IS NULL;
UPDATE comments SET organization_id = t.organization_id FROM tickets t
    WHERE t.id = ticket_id AND comments.organization_id IS NULL;
UPDATE attachments SET organization_id = t.organization_id FROM tickets t
    WHERE t.id = ticket_id AND attachments.organization_id IS NULL;
