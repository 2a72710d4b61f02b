alter table public.reports add column organization_id uuid references public.organizations (id) on delete cascade;
create index reports_organization_id_idx on public.reports (organization_id);
