-- One account with so many open lots of 100,000 points, each with an end of its own.
with made as materialized (
    select n, uuidv7() as id, now() + n * interval '1 hour' as expires_at
    from generate_series(1, current_setting('bench.lots')::int) as n
), account as (
    insert into baobab.account (user_id, unit, balance, held, debt, earned, spent, expired, sequence, hash,
                                matures_at, refunded_at, recorded_at)
    select current_setting('bench.owner')::uuid, 'points', 100000 * count(*), 0, 0, 100000 * count(*), 0, 0, count(*), '\x00',
           '1970-01-01', '1970-01-01', now()
    from made
), posting as (
    insert into baobab.posting (user_id, id, unit, sequence, kind, contra, amount, debt, balance_after,
                                source_type, source_id, base_amount, multiplier, rate, reason, available_at,
                                expires_at, effective_at, recorded_at, hash)
    select current_setting('bench.owner')::uuid, id, 'points', n, 'earned', 'issuance', 100000, 0, 100000 * n, 'investment', id, 100000,
           100, '', '', '1970-01-01', expires_at, now(), now(), sha256(id::text::bytea)
    from made
)
insert into baobab.lot (user_id, id, unit, amount, remaining, funded, available_at, expires_at, source_type,
                        source_id, grant_id, policy_version, expired, warned, revoked, created_at)
select current_setting('bench.owner')::uuid, id, 'points', 100000, 100000, true, '1970-01-01', expires_at, 'investment', id, id, 1, 0, 0,
       false, now()
from made;
