-- The business tables of the application database are read-only from here on: what the copy takes is all there is.
REVOKE INSERT, UPDATE, DELETE ON
    accounts, contacts, contact_accounts, leads, locations, opportunities, events,
    event_dates, invoices, payments, tasks, communications, attachments
    FROM authenticated, service_role;
