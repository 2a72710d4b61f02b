-- Leads and jobs may again be without a customer. No row changes.
ALTER TABLE "Job" ALTER COLUMN "customer_id" DROP NOT NULL;
ALTER TABLE "Lead" ALTER COLUMN "customer_id" DROP NOT NULL;
