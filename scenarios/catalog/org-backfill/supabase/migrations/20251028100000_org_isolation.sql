-- Every row says whose it is: the policies need not go by way of the domain any more.

DROP POLICY through_domain ON conversations;
CREATE POLICY org_isolation ON conversations FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

DROP POLICY through_domain ON messages;
CREATE POLICY org_isolation ON messages FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

DROP POLICY through_domain ON scraped_pages;
CREATE POLICY org_isolation ON scraped_pages FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

DROP POLICY through_domain ON page_embeddings;
CREATE POLICY org_isolation ON page_embeddings FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

DROP POLICY through_domain ON structured_extractions;
CREATE POLICY org_isolation ON structured_extractions FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

DROP POLICY through_domain ON website_content;
CREATE POLICY org_isolation ON website_content FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
