-- The application's model as it is after the last migration: what
-- prisma migrate diff --from-empty --to-schema-datamodel prisma/schema.prisma --script
-- writes, and what its language lacks, by hand: vectors, CHECK, partial indexes, SET NULL of one column.

CREATE TYPE "AgentKind" AS ENUM ('COPILOT', 'WORKFLOW', 'ANALYST');
CREATE TYPE "AgentStatus" AS ENUM ('DRAFT', 'ACTIVE', 'PAUSED', 'DISABLED');
CREATE TYPE "MessageRole" AS ENUM ('system', 'user', 'assistant', 'tool');
CREATE TYPE "ConversationKind" AS ENUM ('support', 'campaign', 'planning', 'ad_hoc');
CREATE TYPE "DatasetKind" AS ENUM ('documents', 'faq', 'analytics');
CREATE TYPE "TrainStatus" AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');
CREATE TYPE "ContentKind" AS ENUM ('article', 'email', 'social_script', 'ad_copy');
CREATE TYPE "CampaignStatus" AS ENUM ('draft', 'scheduled', 'active', 'paused', 'completed', 'archived');

CREATE TABLE "User" (
    "id"        TEXT NOT NULL,
    "email"     TEXT NOT NULL,
    "name"      TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "User_email_key" ON "User" ("email");

CREATE TABLE "Organization" (
    "id"        TEXT NOT NULL,
    "slug"      TEXT NOT NULL,
    "name"      TEXT NOT NULL,
    "plan"      TEXT NOT NULL DEFAULT 'starter',
    "settings"  JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Organization_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Organization_slug_key" ON "Organization" ("slug");

CREATE TABLE "OrganizationMembership" (
    "id"             TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "userId"         TEXT NOT NULL,
    "status"         TEXT NOT NULL DEFAULT 'active',
    "joinedAt"       TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "roleId"         TEXT,
    "invitedById"    TEXT,
    CONSTRAINT "OrganizationMembership_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "OrganizationMembership_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "OrganizationMembership_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "OrganizationMembership_organizationId_userId_key"
    ON "OrganizationMembership" ("organizationId", "userId");

CREATE TABLE "OrganizationRole" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "OrganizationRole_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "OrganizationRole_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "OrganizationRole_organizationId_id_key" ON "OrganizationRole" ("organizationId", "id");
CREATE UNIQUE INDEX "OrganizationRole_organizationId_name_key" ON "OrganizationRole" ("organizationId", "name");

CREATE TABLE "OrganizationPermission" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "description" TEXT,
    CONSTRAINT "OrganizationPermission_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "OrganizationPermission_key_key" ON "OrganizationPermission" ("key");

CREATE TABLE "RolePermission" (
    "id" TEXT NOT NULL,
    "roleId" TEXT NOT NULL,
    "permissionId" TEXT NOT NULL,
    CONSTRAINT "RolePermission_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "RolePermission_roleId_fkey" FOREIGN KEY ("roleId")
        REFERENCES "OrganizationRole" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "RolePermission_permissionId_fkey" FOREIGN KEY ("permissionId")
        REFERENCES "OrganizationPermission" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "RolePermission_roleId_permissionId_key" ON "RolePermission" ("roleId", "permissionId");

CREATE TABLE "ApiKey" (
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

CREATE TABLE "EmbeddingSpace" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "dimension" INTEGER NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "EmbeddingSpace_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "EmbeddingSpace_dimension_check" CHECK ("dimension" = 1536)
);
CREATE UNIQUE INDEX "EmbeddingSpace_provider_model_key" ON "EmbeddingSpace" ("provider", "model");

CREATE TABLE "Brand" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Brand_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Brand_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Brand_organizationId_id_key" ON "Brand" ("organizationId", "id");
CREATE UNIQUE INDEX "Brand_organizationId_name_key" ON "Brand" ("organizationId", "name");

CREATE TABLE "BrandVoice" (
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
CREATE INDEX "BrandVoice_brandId_idx" ON "BrandVoice" ("brandId");

CREATE TABLE "BrandAsset" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "BrandAsset_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "BrandAsset_brandId_fkey" FOREIGN KEY ("brandId")
        REFERENCES "Brand" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "BrandAsset_brandId_idx" ON "BrandAsset" ("brandId");

CREATE TABLE "Agent" (
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
CREATE INDEX "Agent_organizationId_idx" ON "Agent" ("organizationId");

CREATE TABLE "AgentConfig" (
    "id" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "configJson" JSONB NOT NULL,
    CONSTRAINT "AgentConfig_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentConfig_agentId_fkey" FOREIGN KEY ("agentId")
        REFERENCES "Agent" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "AgentConfig_agentId_version_key" ON "AgentConfig" ("agentId", "version");

CREATE TABLE "AgentCapability" (
    "id" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    CONSTRAINT "AgentCapability_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentCapability_agentId_fkey" FOREIGN KEY ("agentId")
        REFERENCES "Agent" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "AgentCapability_agentId_name_key" ON "AgentCapability" ("agentId", "name");

CREATE TABLE "AgentRun" (
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

CREATE TABLE "Tool" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "schemaJson" JSONB NOT NULL,
    CONSTRAINT "Tool_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Tool_name_key" ON "Tool" ("name");

CREATE TABLE "ToolExecution" (
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
CREATE INDEX "ToolExecution_agentRunId_idx" ON "ToolExecution" ("agentRunId");

CREATE TABLE "AgentRunMetric" (
    "id" TEXT NOT NULL,
    "agentRunId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    CONSTRAINT "AgentRunMetric_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "AgentRunMetric_agentRunId_fkey" FOREIGN KEY ("agentRunId")
        REFERENCES "AgentRun" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "AgentRunMetric_agentRunId_name_key" ON "AgentRunMetric" ("agentRunId", "name");

CREATE TABLE "Conversation" (
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

CREATE TABLE "Dataset" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "DatasetKind" NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Dataset_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Dataset_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Dataset_organizationId_id_key" ON "Dataset" ("organizationId", "id");
CREATE UNIQUE INDEX "Dataset_organizationId_name_key" ON "Dataset" ("organizationId", "name");

CREATE TABLE "Document" (
    "id" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "sourceUrl" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Document_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Document_datasetId_fkey" FOREIGN KEY ("datasetId")
        REFERENCES "Dataset" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Document_datasetId_id_key" ON "Document" ("datasetId", "id");
CREATE INDEX "Document_datasetId_idx" ON "Document" ("datasetId");

CREATE TABLE "Chunk" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "datasetId" TEXT NOT NULL,
    "embeddingSpaceId" TEXT NOT NULL,
    "documentId" TEXT NOT NULL,
    "idx" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "embedding" vector(1536) NOT NULL,
    "metadata" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Chunk_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Chunk_organizationId_datasetId_fkey" FOREIGN KEY ("organizationId", "datasetId")
        REFERENCES "Dataset" ("organizationId", "id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Chunk_embeddingSpaceId_fkey" FOREIGN KEY ("embeddingSpaceId")
        REFERENCES "EmbeddingSpace" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Chunk_datasetId_documentId_fkey" FOREIGN KEY ("datasetId", "documentId")
        REFERENCES "Document" ("datasetId", "id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Chunk_datasetId_idx_key" ON "Chunk" ("datasetId", "idx");
CREATE INDEX "Chunk_embeddingSpaceId_idx" ON "Chunk" ("embeddingSpaceId");

CREATE TABLE "ModelVersion" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "baseModel" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ModelVersion_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ModelVersion_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "ModelVersion_organizationId_name_key" ON "ModelVersion" ("organizationId", "name");

CREATE TABLE "TrainingJob" (
    "id" TEXT NOT NULL,
    "modelVersionId" TEXT NOT NULL,
    "status" "TrainStatus" NOT NULL DEFAULT 'queued',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "TrainingJob_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "TrainingJob_modelVersionId_fkey" FOREIGN KEY ("modelVersionId")
        REFERENCES "ModelVersion" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "TrainingJob_modelVersionId_idx" ON "TrainingJob" ("modelVersionId");

CREATE TABLE "InferenceEndpoint" (
    "id" TEXT NOT NULL,
    "modelVersionId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    CONSTRAINT "InferenceEndpoint_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "InferenceEndpoint_modelVersionId_fkey" FOREIGN KEY ("modelVersionId")
        REFERENCES "ModelVersion" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "InferenceEndpoint_modelVersionId_idx" ON "InferenceEndpoint" ("modelVersionId");

CREATE TABLE "Content" (
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
CREATE INDEX "Content_organizationId_kind_idx" ON "Content" ("organizationId", "kind");

CREATE TABLE "Campaign" (
    "id" TEXT NOT NULL,
    "organizationId" TEXT NOT NULL,
    "brandId" TEXT,
    "name" TEXT NOT NULL,
    "status" "CampaignStatus" NOT NULL DEFAULT 'draft',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Campaign_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Campaign_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Campaign_organizationId_brandId_fkey" FOREIGN KEY ("organizationId", "brandId")
        REFERENCES "Brand" ("organizationId", "id") ON DELETE SET NULL ("brandId") ON UPDATE CASCADE
);
CREATE INDEX "Campaign_organizationId_status_idx" ON "Campaign" ("organizationId", "status");

CREATE TABLE "CampaignMetric" (
    "id" TEXT NOT NULL,
    "campaignId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "timestamp" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "CampaignMetric_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "CampaignMetric_campaignId_fkey" FOREIGN KEY ("campaignId")
        REFERENCES "Campaign" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "AuditLog" (
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
CREATE INDEX "AuditLog_organizationId_createdAt_idx" ON "AuditLog" ("organizationId", "createdAt");

CREATE TABLE "Message" (
    "id" TEXT NOT NULL,
    "conversationId" TEXT NOT NULL,
    "authorId" TEXT,
    "role" "MessageRole" NOT NULL,
    "contentJson" JSONB NOT NULL,
    "embedding" vector(1536),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Message_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Message_conversationId_fkey" FOREIGN KEY ("conversationId")
        REFERENCES "Conversation" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Message_authorId_fkey" FOREIGN KEY ("authorId")
        REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "Message_conversationId_createdAt_idx" ON "Message" ("conversationId", "createdAt");
CREATE INDEX "Message_role_createdAt_idx" ON "Message" ("role", "createdAt");
CREATE INDEX "Message_createdAt_waiting_idx" ON "Message" ("createdAt") WHERE "embedding" IS NULL;

CREATE INDEX "idx_chunk_organization" ON "Chunk" ("organizationId");
CREATE INDEX "idx_agent_run_started" ON "AgentRun" ("agentId", "startedAt" DESC);
CREATE INDEX "idx_campaign_metric_ts" ON "CampaignMetric" ("campaignId", "kind", "timestamp");
CREATE UNIQUE INDEX "idx_api_key_token_hash" ON "ApiKey" ("organizationId", "tokenHash");
CREATE INDEX "idx_conversation_org_created" ON "Conversation" ("organizationId", "createdAt" DESC);

ALTER TABLE "OrganizationMembership" ADD CONSTRAINT "OrganizationMembership_organizationId_roleId_fkey"
    FOREIGN KEY ("organizationId", "roleId") REFERENCES "OrganizationRole" ("organizationId", "id")
    ON DELETE SET NULL ("roleId") ON UPDATE CASCADE;

-- By hand, too: what the application's role may do.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
