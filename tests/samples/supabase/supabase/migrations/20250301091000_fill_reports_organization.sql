update public.reports r
   set organization_id = p.organization_id
  from public.projects p
 where p.id = r.project_id
   and r.organization_id is null;
