"""schemathesis against the real server: requests made from the OpenAPI document, by people of every role.

    make fuzz                        at least 20,000 requests
    python -m tests.fuzz --requests 2000 --seed 7

Every answer must be one that the document promises (status, content type, headers, schema), and none a 5xx.
"""
