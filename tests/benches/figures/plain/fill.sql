UPDATE readings SET tenant_id = m.tenant_id FROM meters m WHERE m.id = meter_id;
