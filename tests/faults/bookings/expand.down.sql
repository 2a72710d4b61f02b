DROP TRIGGER IF EXISTS booking_hotel ON booking;
DROP FUNCTION booking_hotel();
ALTER TABLE booking DROP COLUMN hotel_code;
