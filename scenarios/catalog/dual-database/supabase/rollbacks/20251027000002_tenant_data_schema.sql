-- The application database still has every row that was copied.
DROP TABLE attachments;
DROP TABLE communications;
DROP TABLE tasks;
DROP TABLE payments;
DROP TABLE invoices;
DROP TABLE event_dates;
DROP TABLE events;
DROP TABLE opportunities;
DROP TABLE locations;
DROP TABLE leads;
DROP TABLE contact_accounts;
DROP TABLE contacts;
DROP TABLE accounts;
DROP FUNCTION touch_updated_at();
