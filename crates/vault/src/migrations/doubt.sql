-- Version 3: consents in doubt, and consents whose person is not known yet.

-- Since when the server has denied the grant's refreshes without a reason; null: it has not. The
-- column `state` of such a grant is 'active': it is tried again.
ALTER TABLE grants ADD COLUMN doubtful_since TEXT;

-- Whether the person, once the server has said who it is, may have been forgotten here before.
ALTER TABLE grants ADD COLUMN takes_back INTEGER NOT NULL DEFAULT 0;
