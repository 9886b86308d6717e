"""The real server and its database, each killed with SIGKILL again and again, under members who invest, pay,
order and cancel.

python -m tests.chaos --kills 50 --clients 64 --seed 1

town                    the server and its database, killed and started again
opening                 what is there before anybody comes
wire, asking            HTTP over a socket; the same key again and again until there is an answer
walking, keeping        what members do, what an administrator does meanwhile, and what each was told
killing                 what is killed when, and how long it takes until somebody is answered
looking                 everything that was told, asked for again
books                   rows that are half done or done twice; shares no code with the product
playing, report         all of it in its order, and what came of it
"""
