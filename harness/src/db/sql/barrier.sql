-- Counts the statements that write to any table; one that comes to the barrier does what is said there.
CREATE SCHEMA watertight_barrier;
CREATE SEQUENCE watertight_barrier.passed;
CREATE FUNCTION watertight_barrier.stop() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $barrier$
BEGIN
    IF pg_catalog.nextval('watertight_barrier.passed') :at THEN
        :then;
    END IF;
    RETURN NULL;
END
$barrier$;
DO $up$
DECLARE
    stands text;
BEGIN
    FOR stands IN
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
          AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'watertight_barrier')
        ORDER BY c.oid
    LOOP
        EXECUTE 'CREATE TRIGGER watertight_barrier BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ' || stands
            || ' FOR EACH STATEMENT EXECUTE FUNCTION watertight_barrier.stop()';
    END LOOP;
END
$up$;
