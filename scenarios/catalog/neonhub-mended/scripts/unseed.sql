-- Takes the demo organisation away, and nothing that was there before it.
DELETE FROM "Organization" WHERE "id" = 'demo-org';
DELETE FROM "EmbeddingSpace" WHERE "id" = 'demo-space';
DELETE FROM "User" WHERE "id" = 'demo-user';
