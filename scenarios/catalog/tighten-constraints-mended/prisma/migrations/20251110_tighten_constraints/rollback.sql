-- Leads and jobs may again be without a customer, and lose it when it is deleted. No row changes.
ALTER TABLE "Job" DROP CONSTRAINT "Job_customer_id_fkey";
ALTER TABLE "Job" ADD CONSTRAINT "Job_customer_id_fkey"
    FOREIGN KEY ("customer_id") REFERENCES "Customer" ("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "Lead" DROP CONSTRAINT "Lead_customer_id_fkey";
ALTER TABLE "Lead" ADD CONSTRAINT "Lead_customer_id_fkey"
    FOREIGN KEY ("customer_id") REFERENCES "Customer" ("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE "Job" ALTER COLUMN "customer_id" DROP NOT NULL;
ALTER TABLE "Lead" ALTER COLUMN "customer_id" DROP NOT NULL;
