-- What else makes a tag's repository outdated, or wanted.

-- +goose Up

CREATE TRIGGER toji_tags AFTER INSERT OR UPDATE ON external_repo_data
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_tags');
CREATE TRIGGER toji_tags AFTER INSERT OR UPDATE ON build_target_config
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_tags');
