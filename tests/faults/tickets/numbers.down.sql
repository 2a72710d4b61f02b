DROP TRIGGER number_ticket ON ticket;
DROP FUNCTION number_ticket();
ALTER TABLE ticket DROP COLUMN number;
ALTER TABLE desk DROP COLUMN last_number;
