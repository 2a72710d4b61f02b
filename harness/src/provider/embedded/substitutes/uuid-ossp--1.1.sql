-- Stands in for uuid-ossp where the server's package does not have it.

CREATE FUNCTION uuid_nil() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid;

CREATE FUNCTION uuid_ns_dns() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid;

CREATE FUNCTION uuid_ns_url() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid;

CREATE FUNCTION uuid_ns_oid() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid;

CREATE FUNCTION uuid_ns_x500() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid;

CREATE FUNCTION uuid_generate_v4() RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN pg_catalog.gen_random_uuid();

-- RFC 4122, 4.3: the digest of namespace and name, with version 3 and variant 10 written over it.
CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT pg_catalog.encode(
               pg_catalog.set_byte(
                   pg_catalog.set_byte(d, 6, pg_catalog.get_byte(d, 6) & 15 | 48),
                   8, pg_catalog.get_byte(d, 8) & 63 | 128),
               'hex')::pg_catalog.uuid
      FROM (SELECT pg_catalog.decode(
                       pg_catalog.md5(pg_catalog.uuid_send(namespace)
                                      || pg_catalog.convert_to(name, 'UTF8')),
                       'hex') AS d) AS digest
);

CREATE FUNCTION uuid_generate_v1() RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'uuid_generate_v1() is not available here: this server has uuid-ossp in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real uuid-ossp.';
END
$$;

CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'uuid_generate_v1mc() is not available here: this server has uuid-ossp in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real uuid-ossp.';
END
$$;

CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'uuid_generate_v5() is not available here: this server has uuid-ossp in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real uuid-ossp.';
END
$$;
