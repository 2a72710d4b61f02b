-- NOT NULL comes with the next release.
ALTER TABLE booking ADD CONSTRAINT booking_room_hotel_fkey
    FOREIGN KEY (hotel_code, room_id) REFERENCES room (hotel_code, id);
ALTER TABLE booking DROP CONSTRAINT booking_room_fkey;
