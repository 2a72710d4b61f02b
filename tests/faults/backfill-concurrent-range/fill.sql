-- Batch by batch over the bookings that there are.
DO $$
DECLARE
    last bigint := (SELECT max(id) FROM booking);
    done bigint := (SELECT min(id) - 1 FROM booking);
    upto bigint;
BEGIN
    LOOP
        SELECT max(id) INTO upto
        FROM (SELECT id FROM booking WHERE id > done AND id <= last ORDER BY id LIMIT 2) batch;
        EXIT WHEN upto IS NULL;
        UPDATE booking b SET hotel_code = r.hotel_code
        FROM room r
        WHERE r.id = b.room_id AND b.id > done AND b.id <= upto AND b.hotel_code IS NULL;
        COMMIT;
        done := upto;
    END LOOP;
END
$$;
CREATE OR REPLACE TRIGGER booking_hotel BEFORE INSERT OR UPDATE ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_hotel();
