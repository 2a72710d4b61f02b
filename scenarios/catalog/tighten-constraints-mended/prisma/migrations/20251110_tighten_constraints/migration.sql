-- The pre-flight check once more, in the transaction that tightens: nothing can slip in between.
DO $$
DECLARE
    leads bigint;
    jobs  bigint;
BEGIN
    SELECT count(*) INTO leads FROM "Lead" WHERE "customer_id" IS NULL;
    SELECT count(*) INTO jobs FROM "Job" WHERE "customer_id" IS NULL;
    IF leads + jobs > 0 THEN
        RAISE EXCEPTION 'rows without a customer: Lead %, Job %', leads, jobs
            USING HINT = 'Give each of them its customer, then run this migration again.';
    END IF;
    RAISE NOTICE 'every lead and job has a customer';
END
$$;

ALTER TABLE "Lead" ALTER COLUMN "customer_id" SET NOT NULL;
ALTER TABLE "Job" ALTER COLUMN "customer_id" SET NOT NULL;

-- A mandatory customer cannot be set to null when it is deleted: the keys refuse the delete, as the model says.
ALTER TABLE "Lead" DROP CONSTRAINT "Lead_customer_id_fkey";
ALTER TABLE "Lead" ADD CONSTRAINT "Lead_customer_id_fkey"
    FOREIGN KEY ("customer_id") REFERENCES "Customer" ("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "Job" DROP CONSTRAINT "Job_customer_id_fkey";
ALTER TABLE "Job" ADD CONSTRAINT "Job_customer_id_fkey"
    FOREIGN KEY ("customer_id") REFERENCES "Customer" ("id") ON DELETE RESTRICT ON UPDATE CASCADE;
