DROP TABLE invoices;
DROP TABLE contacts;
DROP TABLE accounts;
