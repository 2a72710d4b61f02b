ALTER TABLE booking ADD CONSTRAINT booking_room_fkey FOREIGN KEY (room_id) REFERENCES room (id);
ALTER TABLE booking DROP CONSTRAINT booking_room_hotel_fkey;
