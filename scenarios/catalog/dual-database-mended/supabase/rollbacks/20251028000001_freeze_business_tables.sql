GRANT INSERT, UPDATE, DELETE ON
    accounts, contacts, contact_accounts, leads, locations, opportunities, events,
    event_dates, invoices, payments, tasks, communications, attachments
    TO authenticated, service_role;
