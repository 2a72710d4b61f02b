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
-- Nobody books while the last ones are filled; from then on a booking gets its hotel by itself.
BEGIN;
LOCK TABLE booking IN SHARE ROW EXCLUSIVE MODE;
UPDATE booking b SET hotel_code = r.hotel_code FROM room r WHERE r.id = b.room_id AND b.hotel_code IS NULL;
CREATE OR REPLACE TRIGGER booking_hotel BEFORE INSERT OR UPDATE ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_hotel();
COMMIT;
