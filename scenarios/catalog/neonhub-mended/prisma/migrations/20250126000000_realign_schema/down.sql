-- Back to flat messages. What the new tables held is gone with them.
DROP INDEX "Message_role_createdAt_idx";
DROP INDEX "Message_conversationId_createdAt_idx";
ALTER TABLE "Message" ALTER COLUMN "role" TYPE TEXT USING "role"::text;
ALTER TABLE "Message" ADD CONSTRAINT "Message_role_check"
    CHECK ("role" IN ('system', 'user', 'assistant', 'tool'));
ALTER TABLE "Message" DROP COLUMN "embedding";
ALTER TABLE "Message" DROP COLUMN "contentJson";
ALTER TABLE "Message" DROP COLUMN "authorId";
ALTER TABLE "Message" DROP COLUMN "conversationId";

ALTER TABLE "OrganizationMembership" DROP COLUMN "invitedById";
ALTER TABLE "OrganizationMembership" DROP COLUMN "roleId";

DROP TABLE "AuditLog";
DROP TABLE "CampaignMetric";
DROP TABLE "Campaign";
DROP TABLE "Content";
DROP TABLE "InferenceEndpoint";
DROP TABLE "TrainingJob";
DROP TABLE "ModelVersion";
DROP TABLE "Chunk";
DROP TABLE "Document";
DROP TABLE "Dataset";
DROP TABLE "Conversation";
DROP TABLE "AgentRunMetric";
DROP TABLE "ToolExecution";
DROP TABLE "Tool";
DROP TABLE "AgentRun";
DROP TABLE "AgentCapability";
DROP TABLE "AgentConfig";
DROP TABLE "Agent";
DROP TABLE "BrandAsset";
DROP TABLE "BrandVoice";
DROP TABLE "Brand";
DROP TABLE "EmbeddingSpace";
DROP TABLE "ApiKey";
DROP TABLE "RolePermission";
DROP TABLE "OrganizationPermission";
DROP TABLE "OrganizationRole";

DROP TYPE "CampaignStatus";
DROP TYPE "ContentKind";
DROP TYPE "TrainStatus";
DROP TYPE "DatasetKind";
DROP TYPE "ConversationKind";
DROP TYPE "MessageRole";
DROP TYPE "AgentStatus";
DROP TYPE "AgentKind";
