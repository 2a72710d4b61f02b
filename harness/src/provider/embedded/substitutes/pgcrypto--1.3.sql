-- Stands in for pgcrypto where the server's package does not have it: what PostgreSQL itself can do.

CREATE FUNCTION gen_random_uuid() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN pg_catalog.gen_random_uuid();

-- A version 4 UUID has 122 random bits; of its bytes 6 and 8 hold fixed ones and are left out.
CREATE FUNCTION gen_random_bytes(n integer) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
DECLARE
    drawn bytea := '';
    one   bytea;
BEGIN
    IF n < 1 OR n > 1024 THEN
        RAISE EXCEPTION 'Length not in range' USING ERRCODE = 'external_routine_invocation_exception';
    END IF;
    WHILE pg_catalog.length(drawn) < n LOOP
        one := pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
        drawn := drawn || pg_catalog.substr(one, 1, 6) || pg_catalog.substr(one, 10, 7);
    END LOOP;
    RETURN pg_catalog.substr(drawn, 1, n);
END
$$;

CREATE FUNCTION digest(data bytea, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    CASE pg_catalog.lower(type)
        WHEN 'md5' THEN RETURN pg_catalog.decode(pg_catalog.md5(data), 'hex');
        WHEN 'sha224' THEN RETURN pg_catalog.sha224(data);
        WHEN 'sha256' THEN RETURN pg_catalog.sha256(data);
        WHEN 'sha384' THEN RETURN pg_catalog.sha384(data);
        WHEN 'sha512' THEN RETURN pg_catalog.sha512(data);
        ELSE
            RAISE EXCEPTION 'digest with % is not available here: this server has pgcrypto in SQL only', type
                USING ERRCODE = 'feature_not_supported',
                      HINT = 'Run with --provider container, whose image has the real pgcrypto.';
    END CASE;
END
$$;

CREATE FUNCTION digest(data text, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN @extschema@.digest(pg_catalog.convert_to(data, 'UTF8'), type);
END
$$;

CREATE FUNCTION hmac(data bytea, key bytea, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'hmac() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION hmac(data text, key text, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'hmac() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION gen_salt(type text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'gen_salt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION gen_salt(type text, rounds integer) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'gen_salt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION crypt(password text, salt text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'crypt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION encrypt(data bytea, key bytea, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'encrypt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION decrypt(data bytea, key bytea, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'decrypt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION pgp_sym_encrypt(data text, password text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'pgp_sym_encrypt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;

CREATE FUNCTION pgp_sym_decrypt(data bytea, password text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION 'pgp_sym_decrypt() is not available here: this server has pgcrypto in SQL only'
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Run with --provider container, whose image has the real pgcrypto.';
END
$$;
