ALTER TABLE "EmbeddingSpace" DROP CONSTRAINT "EmbeddingSpace_dimension_check";

ALTER TABLE "Chunk" DROP CONSTRAINT "Chunk_datasetId_documentId_fkey";
ALTER TABLE "Chunk" DROP CONSTRAINT "Chunk_organizationId_datasetId_fkey";
ALTER TABLE "Chunk" ADD CONSTRAINT "Chunk_datasetId_fkey"
    FOREIGN KEY ("datasetId") REFERENCES "Dataset" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Chunk" ADD CONSTRAINT "Chunk_documentId_fkey"
    FOREIGN KEY ("documentId") REFERENCES "Document" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Chunk" DROP COLUMN "organizationId";
DROP INDEX "Document_datasetId_id_key";
DROP INDEX "Dataset_organizationId_id_key";

ALTER TABLE "Campaign" DROP CONSTRAINT "Campaign_organizationId_brandId_fkey";
ALTER TABLE "Campaign" ADD CONSTRAINT "Campaign_brandId_fkey"
    FOREIGN KEY ("brandId") REFERENCES "Brand" ("id") ON DELETE SET NULL ON UPDATE CASCADE;
DROP INDEX "Brand_organizationId_id_key";

ALTER TABLE "OrganizationMembership" DROP CONSTRAINT "OrganizationMembership_organizationId_roleId_fkey";
ALTER TABLE "OrganizationMembership" ADD CONSTRAINT "OrganizationMembership_roleId_fkey"
    FOREIGN KEY ("roleId") REFERENCES "OrganizationRole" ("id") ON DELETE SET NULL ON UPDATE CASCADE;
DROP INDEX "OrganizationRole_organizationId_id_key";
