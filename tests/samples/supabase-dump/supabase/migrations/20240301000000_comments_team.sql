-- Comments get the team, so that policies need no join.
alter table public.comments add column team_id uuid references public.teams (id) on delete cascade;

update public.comments c
set team_id = d.team_id
from public.documents d
where d.id = c.document_id;

alter table public.comments alter column team_id set not null;
create index comments_team_id_idx on public.comments (team_id);

drop policy "comments" on public.comments;
create policy "comments" on public.comments to authenticated using (public.is_member(team_id));
