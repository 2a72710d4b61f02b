UPDATE item SET body = body || ' (moved)';
