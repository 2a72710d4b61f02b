-- The Data Hub as it was deployed before workspaces came in: every row belongs to a user.

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

-- One row per advertising or shop account that a user has linked. Nothing stops a second one for the same provider.
CREATE TABLE "Connection" (
    "id"        TEXT NOT NULL,
    "userId"    TEXT NOT NULL,
    "provider"  "Provider" NOT NULL,
    "status"    "ConnectionStatus" NOT NULL DEFAULT 'NOT_CONNECTED',
    "authJson"  TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "Connection_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Connection_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "Connection_userId_idx" ON "Connection" ("userId");

CREATE TABLE "MetricDaily" (
    "id"             TEXT NOT NULL,
    "userId"         TEXT NOT NULL,
    "provider"       "Provider" NOT NULL,
    "date"           DATE NOT NULL,
    "metricsJson"    JSONB NOT NULL,
    "dimensionsJson" JSONB,
    "createdAt"      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "MetricDaily_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "MetricDaily_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "MetricDaily_userId_provider_date_idx" ON "MetricDaily" ("userId", "provider", "date");

CREATE TABLE "Insight" (
    "id"          TEXT NOT NULL,
    "userId"      TEXT NOT NULL,
    "provider"    "Provider" NOT NULL,
    "title"       TEXT NOT NULL,
    "summary"     TEXT NOT NULL,
    "severity"    "InsightSeverity" NOT NULL DEFAULT 'INFO',
    "period"      TEXT NOT NULL,
    "dataRefJson" JSONB,
    "createdAt"   TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Insight_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Insight_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "Insight_userId_idx" ON "Insight" ("userId");

-- scope is MASTER for the chat over everything, else the provider's name.
CREATE TABLE "ChatMessage" (
    "id"        TEXT NOT NULL,
    "userId"    TEXT NOT NULL,
    "scope"     TEXT NOT NULL,
    "role"      "ChatRole" NOT NULL,
    "content"   TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ChatMessage_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ChatMessage_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "ChatMessage_userId_scope_idx" ON "ChatMessage" ("userId", "scope");

GRANT SELECT, INSERT, UPDATE, DELETE
    ON "User", "Workspace", "Connection", "MetricDaily", "Insight", "ChatMessage" TO app;
