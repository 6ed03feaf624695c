import pytest
from tests.banking.bank import *
