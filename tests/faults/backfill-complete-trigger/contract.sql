-- NOT NULL comes with the next release; until then bookings of the old application get their hotel by a trigger.
CREATE TRIGGER booking_hotel BEFORE INSERT OR UPDATE ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_hotel();
ALTER TABLE booking ADD CONSTRAINT booking_room_hotel_fkey
    FOREIGN KEY (hotel_code, room_id) REFERENCES room (hotel_code, id);
ALTER TABLE booking DROP CONSTRAINT booking_room_fkey;
