create table public.audit_log (
  id bigint generated always as identity primary key,
  team_id uuid references public.teams (id) on delete cascade,
  actor uuid default auth.uid(),
  action text not null,
  at timestamptz not null default now()
);
alter publication supabase_realtime add table public.audit_log;
