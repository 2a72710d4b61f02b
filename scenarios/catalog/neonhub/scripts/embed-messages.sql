-- Messages from before the cutover get their embedding. In production a worker asks the model for it; here a stand-in
-- takes it from the words, so that equal words have equal vectors. Only messages without one are touched.
DO $$
DECLARE
    embedded bigint;
BEGIN
    UPDATE "Message" m
    SET "embedding" = CAST('[' || (
            SELECT string_agg(CAST((1 + get_byte(decode(md5(m."contentJson"::text), 'hex'), place)) / 256.0 AS text), ',' ORDER BY place)
            FROM generate_series(0, 15) AS place
        ) || repeat(',0', 1520) || ']' AS vector)
    WHERE m."embedding" IS NULL;
    GET DIAGNOSTICS embedded = ROW_COUNT;

    RAISE NOTICE 'Message: % embedded', embedded;
END
$$;
