-- Accounts each with five open lots of ten points that ended in the last weeks: nobody has written it down.
create temporary table owner as
select n, md5('due ' || n)::uuid as user_id, now() - interval '18 months' as at
from generate_series(1, current_setting('bench.accounts')::int) as n;

create temporary table made as
select user_id, uuidv7() as id, sequence, at, now() - (sequence * 100 + n % 100) * interval '1 hour' as expires_at
from owner, generate_series(1, 5) as sequence;

insert into baobab.account (user_id, unit, balance, held, debt, earned, spent, expired, sequence, hash, matures_at,
                            refunded_at, recorded_at)
select user_id, 'points', 50, 0, 0, 50, 0, 0, 5, '\x00', at, '1970-01-01', at from owner;

insert into baobab.posting (user_id, id, unit, sequence, kind, contra, amount, debt, balance_after, source_type,
                            source_id, base_amount, multiplier, rate, reason, available_at, expires_at,
                            funded, grant_id, policy_version, effective_at, recorded_at, hash)
select user_id, id, 'points', sequence, 'earned', 'issuance', 10, 0, 10 * sequence, 'investment', id, 10, 100, '', '',
       at, expires_at, true, id, 1, at, at + sequence * interval '1 microsecond', '\x00'
from made;

insert into baobab.lot (user_id, id, unit, amount, remaining, funded, available_at, expires_at, source_type,
                        source_id, grant_id, policy_version, expired, warned, revoked, created_at)
select user_id, id, 'points', 10, 10, true, at, expires_at, 'investment', id, id, 1, 0, 7, false, at from made;

drop table made;
drop table owner;
