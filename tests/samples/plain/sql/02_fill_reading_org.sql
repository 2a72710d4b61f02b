-- Since last week the application writes org_id itself; this is for the rows before.
UPDATE reading SET org_id = (SELECT d.org_id FROM device d WHERE d.id = reading.device_id);
