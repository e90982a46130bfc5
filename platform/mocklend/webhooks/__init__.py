"""Webhooks to clients: from the event to the receiver that has answered.

something happens ──▶ emit ──▶ outbox ──due──▶ delivery worker ──POST──▶ the client's endpoint
                       └ in the same commit       └ tries again on the endpoint's retry schedule
"""
