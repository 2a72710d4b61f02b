ALTER TABLE booking ADD COLUMN hotel_code text CONSTRAINT booking_hotel_fkey REFERENCES hotel (code);
CREATE INDEX booking_hotel_idx ON booking (hotel_code);
CREATE FUNCTION booking_hotel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.hotel_code := (SELECT r.hotel_code FROM room r WHERE r.id = NEW.room_id);
    RETURN NEW;
END
$$;
