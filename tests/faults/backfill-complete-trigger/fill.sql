DO $$
BEGIN
    LOOP
        UPDATE booking b SET hotel_code = r.hotel_code
        FROM room r
        WHERE r.id = b.room_id AND b.id IN (SELECT id FROM booking WHERE hotel_code IS NULL ORDER BY id LIMIT 2);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END
$$;
