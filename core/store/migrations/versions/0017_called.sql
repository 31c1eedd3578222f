-- What people called themselves where an account was linked: by it they know it again.
alter table identities add column called text not null default '';
