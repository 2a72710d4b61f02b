-- What belongs together belongs to one organisation, and the keys say so.

-- A membership's role is one of its organisation's.
CREATE UNIQUE INDEX "OrganizationRole_organizationId_id_key" ON "OrganizationRole" ("organizationId", "id");
ALTER TABLE "OrganizationMembership" DROP CONSTRAINT "OrganizationMembership_roleId_fkey";
ALTER TABLE "OrganizationMembership" ADD CONSTRAINT "OrganizationMembership_organizationId_roleId_fkey"
    FOREIGN KEY ("organizationId", "roleId") REFERENCES "OrganizationRole" ("organizationId", "id")
    ON DELETE SET NULL ("roleId") ON UPDATE CASCADE;

-- A campaign's brand is one of its organisation's.
CREATE UNIQUE INDEX "Brand_organizationId_id_key" ON "Brand" ("organizationId", "id");
ALTER TABLE "Campaign" DROP CONSTRAINT "Campaign_brandId_fkey";
ALTER TABLE "Campaign" ADD CONSTRAINT "Campaign_organizationId_brandId_fkey"
    FOREIGN KEY ("organizationId", "brandId") REFERENCES "Brand" ("organizationId", "id")
    ON DELETE SET NULL ("brandId") ON UPDATE CASCADE;

-- A chunk names its organisation, which is its data set's, and its document is of the same data set.
CREATE UNIQUE INDEX "Dataset_organizationId_id_key" ON "Dataset" ("organizationId", "id");
CREATE UNIQUE INDEX "Document_datasetId_id_key" ON "Document" ("datasetId", "id");
ALTER TABLE "Chunk" ADD COLUMN "organizationId" TEXT;
UPDATE "Chunk" c SET "organizationId" = d."organizationId" FROM "Dataset" d WHERE d."id" = c."datasetId";
ALTER TABLE "Chunk" ALTER COLUMN "organizationId" SET NOT NULL;
ALTER TABLE "Chunk" DROP CONSTRAINT "Chunk_datasetId_fkey";
ALTER TABLE "Chunk" DROP CONSTRAINT "Chunk_documentId_fkey";
ALTER TABLE "Chunk" ADD CONSTRAINT "Chunk_organizationId_datasetId_fkey"
    FOREIGN KEY ("organizationId", "datasetId") REFERENCES "Dataset" ("organizationId", "id")
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Chunk" ADD CONSTRAINT "Chunk_datasetId_documentId_fkey"
    FOREIGN KEY ("datasetId", "documentId") REFERENCES "Document" ("datasetId", "id")
    ON DELETE CASCADE ON UPDATE CASCADE;

-- The columns hold vectors of 1536 dimensions: a model is registered at that size or not at all.
ALTER TABLE "EmbeddingSpace" ADD CONSTRAINT "EmbeddingSpace_dimension_check" CHECK ("dimension" = 1536);
