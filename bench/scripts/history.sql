-- Accounts with a long past: one lot each, and so many postings, all but the first of them spends of a point.
with owner as materialized (
    select n, md5('account ' || n)::uuid as user_id, uuidv7() as lot_id, uuidv7() as source_id, now() as at
    from generate_series(current_setting('bench.first')::int, current_setting('bench.last')::int) as n
), line as materialized (
    select user_id, lot_id, source_id, sequence, case sequence when 1 then lot_id else uuidv7() end as id,
           at - (current_setting('bench.each')::int - sequence) * interval '1 minute' as at
    from owner, generate_series(1, current_setting('bench.each')::int) as sequence
), member as (
    insert into baobab.member (user_id, email, name, role, level, status, created_at)
    select user_id, 'member-' || n || '@example.org', 'Member ' || n, 'member', 'explorateur', 'active', at
    from owner
), account as (
    insert into baobab.account (user_id, unit, balance, held, debt, earned, spent, expired, sequence, hash,
                                matures_at, refunded_at, recorded_at)
    select user_id, 'points', 1000001 - current_setting('bench.each')::int, 0, 0, 1000000,
           current_setting('bench.each')::int - 1, 0, current_setting('bench.each')::int, '\x00', '1970-01-01',
           '1970-01-01', at
    from owner
), lot as (
    insert into baobab.lot (user_id, id, unit, amount, remaining, funded, available_at, expires_at, source_type,
                            source_id, grant_id, policy_version, expired, warned, revoked, created_at)
    select user_id, lot_id, 'points', 1000000, 1000001 - current_setting('bench.each')::int, true, '1970-01-01',
           at + interval '540 days', 'investment', source_id, source_id, 1, 0, 0, false, at
    from owner
), posting as (
    insert into baobab.posting (user_id, id, unit, sequence, kind, contra, amount, debt, balance_after,
                                source_type, source_id, base_amount, multiplier, rate, reason, available_at,
                                expires_at, effective_at, recorded_at, hash)
    select user_id, id, 'points', sequence, case sequence when 1 then 'earned' else 'spent' end,
           case sequence when 1 then 'issuance' else 'redemption' end,
           case sequence when 1 then 1000000 else -1 end, 0, 1000001 - sequence,
           'investment', source_id, case sequence when 1 then 1000000 else 1 end, 100, '', '', null, null,
           at, at, sha256(id::text::bytea)
    from line
)
insert into baobab.allocation (user_id, debit_id, posting_id, lot_id, amount)
select user_id, id, id, lot_id, 1 from line where sequence > 1;
