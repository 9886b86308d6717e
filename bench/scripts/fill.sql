-- Members whose accounts hold one lot of a million points each; number 0, the hot one, holds a thousand millions.
create temporary table owner as
select n, md5('account ' || n)::uuid as user_id, uuidv7() as posting_id, uuidv7() as source_id, now() as at,
       case when n = 0 then 1000000000 else 1000000 end as amount, sha256(n::text::bytea) as hash
from generate_series(0, current_setting('bench.accounts')::int) as n;

insert into baobab.member (user_id, email, name, role, level, status, created_at)
select user_id, 'member-' || n || '@example.org', 'Member ' || n, 'member', 'explorateur', 'active', at
from owner;

insert into baobab.account (user_id, unit, balance, held, debt, earned, spent, expired, sequence, hash, matures_at,
                            refunded_at, recorded_at)
select user_id, 'points', amount, 0, 0, amount, 0, 0, 1, hash, at, '1970-01-01', at
from owner;

insert into baobab.posting (user_id, id, unit, sequence, kind, contra, amount, debt, balance_after, source_type,
                            source_id, base_amount, multiplier, rate, reason, available_at, expires_at,
                            effective_at, recorded_at, hash)
select user_id, posting_id, 'points', 1, 'earned', 'issuance', amount, 0, amount, 'investment',
       source_id, amount, 100, '', '', at, at + interval '540 days', at, at, hash
from owner;

insert into baobab.lot (user_id, id, unit, amount, remaining, funded, available_at, expires_at, source_type,
                        source_id, grant_id, policy_version, expired, warned, revoked, created_at)
select user_id, posting_id, 'points', amount, amount, true, at, at + interval '540 days', 'investment',
       source_id, source_id, 1, 0, 0, false, at
from owner;

drop table owner;
