-- A field-service business: customers, the leads that they are, the jobs that come of them.
-- Which customer a lead or a job belongs to is the application's word only; the database lets it be empty.

CREATE TYPE "LeadStatus" AS ENUM ('new', 'contacted', 'quoted', 'won', 'lost');
CREATE TYPE "JobStatus" AS ENUM ('scheduled', 'in_progress', 'done', 'cancelled');

CREATE TABLE "Customer" (
    "id"         UUID NOT NULL DEFAULT gen_random_uuid(),
    "name"       TEXT NOT NULL,
    "email"      TEXT,
    "phone"      TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Customer_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Customer_email_key" ON "Customer" ("email");

CREATE TABLE "Lead" (
    "id"          UUID NOT NULL DEFAULT gen_random_uuid(),
    "customer_id" UUID,
    "channel"     TEXT NOT NULL,
    "name"        TEXT NOT NULL,
    "status"      "LeadStatus" NOT NULL DEFAULT 'new',
    "notes"       TEXT,
    "created_at"  TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Lead_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Lead_customer_id_fkey" FOREIGN KEY ("customer_id")
        REFERENCES "Customer" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "Lead_customer_id_idx" ON "Lead" ("customer_id");

CREATE TABLE "Job" (
    "id"           UUID NOT NULL DEFAULT gen_random_uuid(),
    "customer_id"  UUID,
    "lead_id"      UUID NOT NULL,
    "status"       "JobStatus" NOT NULL DEFAULT 'scheduled',
    "window_start" TIMESTAMPTZ(6) NOT NULL,
    "window_end"   TIMESTAMPTZ(6) NOT NULL,
    "price"        NUMERIC(10, 2),
    "created_at"   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Job_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Job_window_check" CHECK ("window_end" > "window_start"),
    CONSTRAINT "Job_customer_id_fkey" FOREIGN KEY ("customer_id")
        REFERENCES "Customer" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT "Job_lead_id_fkey" FOREIGN KEY ("lead_id")
        REFERENCES "Lead" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "Job_customer_id_idx" ON "Job" ("customer_id");
CREATE INDEX "Job_lead_id_idx" ON "Job" ("lead_id");

GRANT SELECT, INSERT, UPDATE, DELETE ON "Customer", "Lead", "Job" TO app;
