-- Back to the policies that go by way of the domain.

DROP POLICY org_isolation ON conversations;
CREATE POLICY through_domain ON conversations FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));

DROP POLICY org_isolation ON messages;
CREATE POLICY through_domain ON messages FOR ALL TO authenticated
    USING (conversation_id IN (SELECT c.id FROM conversations c));

DROP POLICY org_isolation ON scraped_pages;
CREATE POLICY through_domain ON scraped_pages FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));

DROP POLICY org_isolation ON page_embeddings;
CREATE POLICY through_domain ON page_embeddings FOR ALL TO authenticated
    USING (page_id IN (SELECT p.id FROM scraped_pages p));

DROP POLICY org_isolation ON structured_extractions;
CREATE POLICY through_domain ON structured_extractions FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));

DROP POLICY org_isolation ON website_content;
CREATE POLICY through_domain ON website_content FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
