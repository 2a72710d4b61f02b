-- A job and its lead have one customer. Where they differ today somebody has to say which is right.
DO $$
DECLARE
    torn  bigint;
    first uuid;
BEGIN
    SELECT count(*), min(j."id"::text)::uuid INTO torn, first
    FROM "Job" j
    JOIN "Lead" l ON l."id" = j."lead_id"
    WHERE l."customer_id" IS DISTINCT FROM j."customer_id";
    IF torn > 0 THEN
        RAISE EXCEPTION '% jobs have another customer than their lead, one of them is %', torn, first
            USING HINT = 'Decide whose each of them is, then run this migration again.';
    END IF;
END
$$;

-- The pair (lead, customer) is what a job refers to: a lead that is handed over takes its jobs along.
CREATE UNIQUE INDEX "Lead_id_customer_id_key" ON "Lead" ("id", "customer_id");
CREATE INDEX "Job_lead_id_customer_id_idx" ON "Job" ("lead_id", "customer_id");
ALTER TABLE "Job" DROP CONSTRAINT "Job_lead_id_fkey";
ALTER TABLE "Job" ADD CONSTRAINT "Job_lead_id_customer_id_fkey"
    FOREIGN KEY ("lead_id", "customer_id") REFERENCES "Lead" ("id", "customer_id")
    ON DELETE CASCADE ON UPDATE CASCADE;
