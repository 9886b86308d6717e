-- What was written, and what of it does not agree.
with line as (
    select user_id, unit, sum(amount) as amount, count(*) as number from baobab.posting group by 1, 2
), open_lot as (
    select user_id, unit, sum(remaining) as amount from baobab.lot group by 1, 2
), used as (
    select user_id, lot_id, sum(amount) as amount from baobab.allocation group by 1, 2
)
select (select count(*) from baobab.account) as accounts,
       (select count(*) from baobab.posting) as postings,
       (select count(*)
        from baobab.account
        left join line using (user_id, unit)
        left join open_lot using (user_id, unit)
        where (balance, balance, sequence, balance)
              is distinct from (line.amount, open_lot.amount, line.number, earned - spent)) as wrong_accounts,
       (select count(*)
        from baobab.lot
        left join used on used.user_id = lot.user_id and used.lot_id = lot.id
        where lot.remaining <> lot.amount - coalesce(used.amount, 0)) as wrong_lots,
       (select count(*) from baobab.posting where kind = 'spent')
       - (select count(*) from baobab.event where type = 'points.spent') as unsaid;
