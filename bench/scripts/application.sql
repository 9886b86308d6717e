-- A spend as an application does it: lock, read, write, commit, one statement a round trip.
-- What an application would compute (new ids, hashes, JSON) is given away: ids come with the first row read.
\set account random(:first, :last)
\set amount random(1, 3)

begin;

select user_id, balance, held, earned, spent, expired, sequence, hash, recorded_at,
       uuidv7() as posting_id, uuidv7() as event_id, uuidv7() as run_key, uuidv7() as source_id
from baobab.account
where user_id = md5('account ' || :account)::uuid and unit = 'points'
for update
\gset

select id as lot_id, remaining, funded, available_at, expires_at, created_at
from baobab.lot
where user_id = :user_id and unit = 'points' and remaining > 0
order by expires_at limit 1
\gset

update baobab.account
set balance = balance - :amount, spent = spent + :amount, sequence = sequence + 1,
    hash = sha256(hash || 'a posting'::bytea), recorded_at = now()
where user_id = :user_id and unit = 'points';

update baobab.lot set remaining = remaining - :amount where user_id = :user_id and id = :lot_id;

insert into baobab.posting (user_id, id, unit, sequence, kind, contra, amount, debt, balance_after, source_type, source_id,
                            base_amount, multiplier, rate, reason, effective_at, recorded_at, hash)
values (:user_id, :posting_id, 'points', :sequence + 1, 'spent', 'redemption', 0 - :amount, 0,
        :balance::bigint - :amount, 'purchase', :source_id, :amount, 100, '', '', now(), now(),
        sha256(:hash || 'a posting'::bytea));

insert into baobab.allocation (user_id, debit_id, posting_id, lot_id, amount)
values (:user_id, :posting_id, :posting_id, :lot_id, :amount);

insert into baobab.event (user_id, id, type, body, run_key, recorded_at)
values (:user_id, :event_id, 'points.spent',
        '{"type": "points.spent", "unit": "points", "amount": 2, "source": {"id": "01a1fe21-af3e-727f-a2ea-a019e6d164fe", "type": "purchase"}, "user_id": "ad1c16cf-b59e-6e14-3795-8784c0abc53d", "debit_id": "01a1fe21-af48-769e-9631-3d70ee57ba03"}',
        :run_key, now());

insert into baobab.command_log (user_id, key, name, digest, actor_id, role, origin, request_id, result, recorded_at)
values ('00000000-0000-0000-0000-000000000000', :run_key, 'points.spend', sha256('a command'),
        '00000000-0000-0000-0000-000000000000', 'service', '127.0.0.1', '',
        '{"user_id":"ad1c16cf-b59e-6e14-3795-8784c0abc53d","unit":"points","balance":999998,"available":999998,"pending":0,"held":0,"debt":0,"euros":{"amount":99999800,"currency":"EUR"},"next_expiry":"2028-05-14T12:43:02.758553Z","next_expiring":999998,"as_of":"2026-11-21T12:43:02.846635Z","posting_id":"01a1fe21-af48-769e-9631-3d70ee57ba03","hold_id": null}',
        now());

commit;
