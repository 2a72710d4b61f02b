create table public.organizations (
    id         uuid primary key default gen_random_uuid(),
    name       text not null,
    created_at timestamptz not null default now()
);

create table public.organization_members (
    organization_id uuid not null references public.organizations (id) on delete cascade,
    user_id         uuid not null references auth.users (id) on delete cascade,
    role            text not null default 'member' check (role in ('owner', 'member')),
    primary key (organization_id, user_id)
);

create table public.projects (
    id              uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.organizations (id) on delete cascade,
    name            text not null,
    unique (organization_id, id)
);

-- A report is written in the field and put into a project later.
create table public.reports (
    id         uuid primary key default gen_random_uuid(),
    project_id uuid references public.projects (id) on delete set null,
    body       text not null,
    created_at timestamptz not null default now()
);

alter table public.organizations enable row level security;
alter table public.organization_members enable row level security;
alter table public.projects enable row level security;
alter table public.reports enable row level security;

create policy "members see their organizations" on public.organizations for select to authenticated
    using (id in (select m.organization_id from public.organization_members m where m.user_id = auth.uid()));
create policy "members see themselves" on public.organization_members for select to authenticated
    using (user_id = auth.uid());
create policy "members work on projects" on public.projects for all to authenticated
    using (organization_id in (select m.organization_id from public.organization_members m where m.user_id = auth.uid()));
create policy "members work on reports" on public.reports for all to authenticated
    using (project_id in (select p.id from public.projects p));
