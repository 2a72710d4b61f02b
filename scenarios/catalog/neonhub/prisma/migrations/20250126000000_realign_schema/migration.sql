-- Organisations, brands, agents, conversations, retrieval and campaigns, in one migration.
-- Written so that it can be run again: whatever is there already is left as it is.

-- Both extensions are the operator's to install; say so early when one is missing.
DO $$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(wanted.name, ', ') INTO missing
    FROM (VALUES ('uuid-ossp'), ('vector')) AS wanted (name)
    WHERE NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = wanted.name);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'extensions missing: %', missing
            USING HINT = 'Have an operator run CREATE EXTENSION for each of them.';
    END IF;
END
$$;

-- Enums
DO $$
BEGIN
    IF to_regtype('"AgentKind"') IS NULL THEN
        CREATE TYPE "AgentKind" AS ENUM ('COPILOT', 'WORKFLOW', 'ANALYST');
    END IF;
    IF to_regtype('"AgentStatus"') IS NULL THEN
        CREATE TYPE "AgentStatus" AS ENUM ('DRAFT', 'ACTIVE', 'PAUSED', 'DISABLED');
    END IF;
    IF to_regtype('"MessageRole"') IS NULL THEN
        CREATE TYPE "MessageRole" AS ENUM ('system', 'user', 'assistant', 'tool');
    END IF;
    IF to_regtype('"ConversationKind"') IS NULL THEN
        CREATE TYPE "ConversationKind" AS ENUM ('support', 'campaign', 'planning', 'ad_hoc');
    END IF;
    IF to_regtype('"DatasetKind"') IS NULL THEN
        CREATE TYPE "DatasetKind" AS ENUM ('documents', 'faq', 'analytics');
    END IF;
    IF to_regtype('"TrainStatus"') IS NULL THEN
        CREATE TYPE "TrainStatus" AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');
    END IF;
    IF to_regtype('"ContentKind"') IS NULL THEN
        CREATE TYPE "ContentKind" AS ENUM ('article', 'email', 'social_script', 'ad_copy');
    END IF;
    IF to_regtype('"CampaignStatus"') IS NULL THEN
        CREATE TYPE "CampaignStatus" AS ENUM ('draft', 'scheduled', 'active', 'paused', 'completed', 'archived');
    END IF;
END
$$;

-- Organisations: roles, permissions, keys
CREATE TABLE IF NOT EXISTS "OrganizationRole" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "OrganizationRole_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "OrganizationRole_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "OrganizationRole_organizationId_name_key" ON "OrganizationRole" ("organizationId", "name");

CREATE TABLE IF NOT EXISTS "OrganizationPermission" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "description" TEXT,
    CONSTRAINT "OrganizationPermission_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX IF NOT EXISTS "OrganizationPermission_key_key" ON "OrganizationPermission" ("key");

CREATE TABLE IF NOT EXISTS "RolePermission" (
    "id" TEXT NOT NULL,
    "roleId" TEXT NOT NULL,
    "permissionId" TEXT NOT NULL,
    CONSTRAINT "RolePermission_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "RolePermission_roleId_fkey" FOREIGN KEY ("roleId")
        REFERENCES "OrganizationRole" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "RolePermission_permissionId_fkey" FOREIGN KEY ("permissionId")
        REFERENCES "OrganizationPermission" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "RolePermission_roleId_permissionId_key" ON "RolePermission" ("roleId", "permissionId");

CREATE TABLE IF NOT EXISTS "ApiKey" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "createdById" TEXT,
    "name" TEXT NOT NULL,
    "tokenHash" TEXT NOT NULL,
    "lastUsedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ApiKey_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ApiKey_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ApiKey_createdById_fkey" FOREIGN KEY ("createdById")
        REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);

-- Brands and how they sound
CREATE TABLE IF NOT EXISTS "EmbeddingSpace" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "dimension" INTEGER NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "EmbeddingSpace_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX IF NOT EXISTS "EmbeddingSpace_provider_model_key" ON "EmbeddingSpace" ("provider", "model");

CREATE TABLE IF NOT EXISTS "Brand" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Brand_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Brand_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "Brand_organizationId_name_key" ON "Brand" ("organizationId", "name");

CREATE TABLE IF NOT EXISTS "BrandVoice" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "embeddingSpaceId" TEXT NOT NULL,
    "promptTemplate" TEXT NOT NULL,
    "styleRulesJson" JSONB NOT NULL,
    "embedding" BYTEA,
    CONSTRAINT "BrandVoice_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "BrandVoice_brandId_fkey" FOREIGN KEY ("brandId")
        REFERENCES "Brand" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "BrandVoice_embeddingSpaceId_fkey" FOREIGN KEY ("embeddingSpaceId")
        REFERENCES "EmbeddingSpace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "BrandVoice_brandId_idx" ON "BrandVoice" ("brandId");

CREATE TABLE IF NOT EXISTS "BrandAsset" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "BrandAsset_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "BrandAsset_brandId_fkey" FOREIGN KEY ("brandId")
        REFERENCES "Brand" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "BrandAsset_brandId_idx" ON "BrandAsset" ("brandId");

-- Agents, their runs and tools
CREATE TABLE IF NOT EXISTS "Agent" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "AgentKind" NOT NULL,
    "status" "AgentStatus" NOT NULL DEFAULT 'DRAFT',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Agent_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Agent_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "Agent_organizationId_idx" ON "Agent" ("organizationId");

CREATE TABLE IF NOT EXISTS "AgentConfig" (
    "id" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "configJson" JSONB NOT NULL,
    CONSTRAINT "AgentConfig_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentConfig_agentId_fkey" FOREIGN KEY ("agentId")
        REFERENCES "Agent" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "AgentConfig_agentId_version_key" ON "AgentConfig" ("agentId", "version");

CREATE TABLE IF NOT EXISTS "AgentCapability" (
    "id" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    CONSTRAINT "AgentCapability_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentCapability_agentId_fkey" FOREIGN KEY ("agentId")
        REFERENCES "Agent" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "AgentCapability_agentId_name_key" ON "AgentCapability" ("agentId", "name");

CREATE TABLE IF NOT EXISTS "AgentRun" (
    "id" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "status" "TrainStatus" NOT NULL DEFAULT 'queued',
    "inputJson" JSONB,
    "outputJson" JSONB,
    "startedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMP(3),
    CONSTRAINT "AgentRun_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentRun_agentId_fkey" FOREIGN KEY ("agentId")
        REFERENCES "Agent" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE IF NOT EXISTS "Tool" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "schemaJson" JSONB NOT NULL,
    CONSTRAINT "Tool_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX IF NOT EXISTS "Tool_name_key" ON "Tool" ("name");

CREATE TABLE IF NOT EXISTS "ToolExecution" (
    "id" TEXT NOT NULL,
    "agentRunId" TEXT NOT NULL,
    "toolId" TEXT NOT NULL,
    "argumentsJson" JSONB,
    "resultJson" JSONB,
    "startedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ToolExecution_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ToolExecution_agentRunId_fkey" FOREIGN KEY ("agentRunId")
        REFERENCES "AgentRun" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ToolExecution_toolId_fkey" FOREIGN KEY ("toolId")
        REFERENCES "Tool" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "ToolExecution_agentRunId_idx" ON "ToolExecution" ("agentRunId");

CREATE TABLE IF NOT EXISTS "AgentRunMetric" (
    "id" TEXT NOT NULL,
    "agentRunId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    CONSTRAINT "AgentRunMetric_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentRunMetric_agentRunId_fkey" FOREIGN KEY ("agentRunId")
        REFERENCES "AgentRun" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "AgentRunMetric_agentRunId_name_key" ON "AgentRunMetric" ("agentRunId", "name");

-- Conversations; messages join them below
CREATE TABLE IF NOT EXISTS "Conversation" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "createdById" TEXT,
    "kind" "ConversationKind" NOT NULL DEFAULT 'ad_hoc',
    "title" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Conversation_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Conversation_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Conversation_createdById_fkey" FOREIGN KEY ("createdById")
        REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);

-- Retrieval: data sets, documents, chunks with their vectors
CREATE TABLE IF NOT EXISTS "Dataset" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "DatasetKind" NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Dataset_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Dataset_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "Dataset_organizationId_name_key" ON "Dataset" ("organizationId", "name");

CREATE TABLE IF NOT EXISTS "Document" (
    "id" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "sourceUrl" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Document_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Document_datasetId_fkey" FOREIGN KEY ("datasetId")
        REFERENCES "Dataset" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "Document_datasetId_idx" ON "Document" ("datasetId");

CREATE TABLE IF NOT EXISTS "Chunk" (
    "id" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "embeddingSpaceId" TEXT NOT NULL,
    "documentId" TEXT NOT NULL,
    "idx" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "embedding" vector(1536) NOT NULL,
    "metadata" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Chunk_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Chunk_datasetId_fkey" FOREIGN KEY ("datasetId")
        REFERENCES "Dataset" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Chunk_embeddingSpaceId_fkey" FOREIGN KEY ("embeddingSpaceId")
        REFERENCES "EmbeddingSpace" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Chunk_documentId_fkey" FOREIGN KEY ("documentId")
        REFERENCES "Document" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "Chunk_datasetId_idx_key" ON "Chunk" ("datasetId", "idx");
CREATE INDEX IF NOT EXISTS "Chunk_embeddingSpaceId_idx" ON "Chunk" ("embeddingSpaceId");

CREATE TABLE IF NOT EXISTS "ModelVersion" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "baseModel" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ModelVersion_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ModelVersion_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "ModelVersion_organizationId_name_key" ON "ModelVersion" ("organizationId", "name");

CREATE TABLE IF NOT EXISTS "TrainingJob" (
    "id" TEXT NOT NULL,
    "modelVersionId" TEXT NOT NULL,
    "status" "TrainStatus" NOT NULL DEFAULT 'queued',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "TrainingJob_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "TrainingJob_modelVersionId_fkey" FOREIGN KEY ("modelVersionId")
        REFERENCES "ModelVersion" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "TrainingJob_modelVersionId_idx" ON "TrainingJob" ("modelVersionId");

CREATE TABLE IF NOT EXISTS "InferenceEndpoint" (
    "id" TEXT NOT NULL,
    "modelVersionId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    CONSTRAINT "InferenceEndpoint_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "InferenceEndpoint_modelVersionId_fkey" FOREIGN KEY ("modelVersionId")
        REFERENCES "ModelVersion" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "InferenceEndpoint_modelVersionId_idx" ON "InferenceEndpoint" ("modelVersionId");

-- Content, campaigns, and who did what
CREATE TABLE IF NOT EXISTS "Content" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "authorId" TEXT,
    "kind" "ContentKind" NOT NULL,
    "title" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Content_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Content_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Content_authorId_fkey" FOREIGN KEY ("authorId")
        REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "Content_organizationId_kind_idx" ON "Content" ("organizationId", "kind");

CREATE TABLE IF NOT EXISTS "Campaign" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "brandId" TEXT,
    "name" TEXT NOT NULL,
    "status" "CampaignStatus" NOT NULL DEFAULT 'draft',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Campaign_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Campaign_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Campaign_brandId_fkey" FOREIGN KEY ("brandId")
        REFERENCES "Brand" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "Campaign_organizationId_status_idx" ON "Campaign" ("organizationId", "status");

CREATE TABLE IF NOT EXISTS "CampaignMetric" (
    "id" TEXT NOT NULL,
    "campaignId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "timestamp" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "CampaignMetric_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "CampaignMetric_campaignId_fkey" FOREIGN KEY ("campaignId")
        REFERENCES "Campaign" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE IF NOT EXISTS "AuditLog" (
    "id" TEXT NOT NULL,
    "eventId" UUID NOT NULL DEFAULT uuid_generate_v4(),
    "organizationId" TEXT NOT NULL,
    "actorId" TEXT,
    "action" TEXT NOT NULL,
    "resource" TEXT,
    "requestHash" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "AuditLog_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AuditLog_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "AuditLog_actorId_fkey" FOREIGN KEY ("actorId")
        REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS "AuditLog_organizationId_createdAt_idx" ON "AuditLog" ("organizationId", "createdAt");

-- A membership has a role of its organisation.
ALTER TABLE "OrganizationMembership" ADD COLUMN IF NOT EXISTS "roleId" TEXT;
ALTER TABLE "OrganizationMembership" ADD COLUMN IF NOT EXISTS "invitedById" TEXT;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                   WHERE conrelid = '"OrganizationMembership"'::regclass
                     AND conname = 'OrganizationMembership_roleId_fkey') THEN
        ALTER TABLE "OrganizationMembership" ADD CONSTRAINT "OrganizationMembership_roleId_fkey"
            FOREIGN KEY ("roleId") REFERENCES "OrganizationRole" ("id") ON DELETE SET NULL ON UPDATE CASCADE;
    END IF;
END
$$;

-- Messages get room for the conversation layout; the rows move in the next step.
ALTER TABLE "Message" ADD COLUMN IF NOT EXISTS "conversationId" TEXT;
ALTER TABLE "Message" ADD COLUMN IF NOT EXISTS "authorId" TEXT;
ALTER TABLE "Message" ADD COLUMN IF NOT EXISTS "contentJson" JSONB;
ALTER TABLE "Message" ADD COLUMN IF NOT EXISTS "embedding" vector(1536);
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                   WHERE conrelid = '"Message"'::regclass AND conname = 'Message_conversationId_fkey') THEN
        ALTER TABLE "Message" ADD CONSTRAINT "Message_conversationId_fkey"
            FOREIGN KEY ("conversationId") REFERENCES "Conversation" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
        ALTER TABLE "Message" ADD CONSTRAINT "Message_authorId_fkey"
            FOREIGN KEY ("authorId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE;
    END IF;

    IF EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = '"Message"'::regclass AND attname = 'role' AND atttypid = 'text'::regtype) THEN
        ALTER TABLE "Message" DROP CONSTRAINT "Message_role_check";
        ALTER TABLE "Message" ALTER COLUMN "role" TYPE "MessageRole" USING "role"::"MessageRole";
    END IF;
END
$$;
CREATE INDEX IF NOT EXISTS "Message_conversationId_createdAt_idx" ON "Message" ("conversationId", "createdAt");
CREATE INDEX IF NOT EXISTS "Message_role_createdAt_idx" ON "Message" ("role", "createdAt");
-- The worker that embeds messages looks for those that wait.
CREATE INDEX IF NOT EXISTS "Message_createdAt_waiting_idx" ON "Message" ("createdAt") WHERE "embedding" IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    "OrganizationRole",
    "OrganizationPermission",
    "RolePermission",
    "ApiKey",
    "EmbeddingSpace",
    "Brand",
    "BrandVoice",
    "BrandAsset",
    "Agent",
    "AgentConfig",
    "AgentCapability",
    "AgentRun",
    "Tool",
    "ToolExecution",
    "AgentRunMetric",
    "Conversation",
    "Dataset",
    "Document",
    "Chunk",
    "ModelVersion",
    "TrainingJob",
    "InferenceEndpoint",
    "Content",
    "Campaign",
    "CampaignMetric",
    "AuditLog"
    TO app;
