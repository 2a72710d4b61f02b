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
