-- The application's model as it is after the last migration, written by
-- prisma migrate diff --from-empty --to-schema-datamodel prisma/schema.prisma --script

CREATE TYPE "Provider" AS ENUM ('GOOGLE_ADS', 'META_ADS', 'TIKTOK_ADS', 'GOOGLE_ANALYTICS', 'SHOPIFY');
CREATE TYPE "ConnectionStatus" AS ENUM ('CONNECTED', 'NOT_CONNECTED', 'ERROR');
CREATE TYPE "InsightSeverity" AS ENUM ('INFO', 'WARNING', 'CRITICAL');
CREATE TYPE "ChatRole" AS ENUM ('USER', 'ASSISTANT');

CREATE TABLE "User" (
    "id"        TEXT NOT NULL,
    "email"     TEXT NOT NULL,
    "name"      TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "User_email_key" ON "User" ("email");

CREATE TABLE "Workspace" (
    "id"        TEXT NOT NULL,
    "name"      TEXT NOT NULL,
    "ownerId"   TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "Workspace_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Workspace_ownerId_fkey" FOREIGN KEY ("ownerId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "Workspace_ownerId_idx" ON "Workspace" ("ownerId");

CREATE TABLE "Connection" (
    "id"        TEXT NOT NULL,
    "userId"    TEXT NOT NULL,
    "workspaceId" TEXT NOT NULL,
    "provider"  "Provider" NOT NULL,
    "status"    "ConnectionStatus" NOT NULL DEFAULT 'NOT_CONNECTED',
    "authJson"  TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "Connection_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Connection_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Connection_workspaceId_fkey" FOREIGN KEY ("workspaceId")
        REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "Connection_userId_idx" ON "Connection" ("userId");
CREATE INDEX "Connection_workspaceId_idx" ON "Connection" ("workspaceId");
CREATE INDEX "Connection_workspaceId_provider_idx" ON "Connection" ("workspaceId", "provider");
CREATE UNIQUE INDEX "Connection_workspaceId_provider_key" ON "Connection" ("workspaceId", "provider");

CREATE TABLE "MetricDaily" (
    "id"             TEXT NOT NULL,
    "userId"         TEXT NOT NULL,
    "workspaceId"    TEXT NOT NULL,
    "provider"       "Provider" NOT NULL,
    "date"           DATE NOT NULL,
    "metricsJson"    JSONB NOT NULL,
    "dimensionsJson" JSONB,
    "createdAt"      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "MetricDaily_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "MetricDaily_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "MetricDaily_workspaceId_fkey" FOREIGN KEY ("workspaceId")
        REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "MetricDaily_userId_provider_date_idx" ON "MetricDaily" ("userId", "provider", "date");
CREATE INDEX "MetricDaily_workspaceId_provider_idx" ON "MetricDaily" ("workspaceId", "provider");
CREATE INDEX "MetricDaily_workspaceId_provider_date_idx" ON "MetricDaily" ("workspaceId", "provider", "date");

CREATE TABLE "Insight" (
    "id"          TEXT NOT NULL,
    "userId"      TEXT NOT NULL,
    "workspaceId" TEXT NOT NULL,
    "provider"    "Provider" NOT NULL,
    "title"       TEXT NOT NULL,
    "summary"     TEXT NOT NULL,
    "severity"    "InsightSeverity" NOT NULL DEFAULT 'INFO',
    "period"      TEXT NOT NULL,
    "dataRefJson" JSONB,
    "createdAt"   TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Insight_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Insight_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "Insight_workspaceId_fkey" FOREIGN KEY ("workspaceId")
        REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "Insight_userId_idx" ON "Insight" ("userId");
CREATE INDEX "Insight_workspaceId_idx" ON "Insight" ("workspaceId");
CREATE INDEX "Insight_workspaceId_provider_idx" ON "Insight" ("workspaceId", "provider");

CREATE TABLE "ChatMessage" (
    "id"        TEXT NOT NULL,
    "userId"    TEXT NOT NULL,
    "workspaceId" TEXT NOT NULL,
    "scope"     TEXT NOT NULL,
    "role"      "ChatRole" NOT NULL,
    "content"   TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ChatMessage_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ChatMessage_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "ChatMessage_workspaceId_fkey" FOREIGN KEY ("workspaceId")
        REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "ChatMessage_userId_scope_idx" ON "ChatMessage" ("userId", "scope");
CREATE INDEX "ChatMessage_workspaceId_idx" ON "ChatMessage" ("workspaceId");
CREATE INDEX "ChatMessage_workspaceId_scope_idx" ON "ChatMessage" ("workspaceId", "scope");

CREATE TABLE "SupersededConnection" (
    "id"          TEXT NOT NULL,
    "userId"      TEXT NOT NULL,
    "workspaceId" TEXT NOT NULL,
    "provider"    "Provider" NOT NULL,
    "status"      "ConnectionStatus" NOT NULL,
    "authJson"    TEXT,
    "createdAt"   TIMESTAMP(3) NOT NULL,
    "updatedAt"   TIMESTAMP(3) NOT NULL,
    CONSTRAINT "SupersededConnection_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "SupersededConnection_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "SupersededConnection_workspaceId_fkey" FOREIGN KEY ("workspaceId")
        REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "SupersededConnection_workspaceId_provider_idx" ON "SupersededConnection" ("workspaceId", "provider");
