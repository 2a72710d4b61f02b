ALTER TABLE "Job" DROP CONSTRAINT "Job_lead_id_customer_id_fkey";
ALTER TABLE "Job" ADD CONSTRAINT "Job_lead_id_fkey"
    FOREIGN KEY ("lead_id") REFERENCES "Lead" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
DROP INDEX "Job_lead_id_customer_id_idx";
DROP INDEX "Lead_id_customer_id_key";
